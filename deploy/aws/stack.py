"""All that the platform needs in an account of AWS, for one environment.

Belongs here: resources, and who may do what with them. Does not belong here: which environments
there are (`app.py`), what containers run (the image, and the commands below).
"""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_backup as backup
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_elasticloadbalancingv2_actions as elb_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

CODE_PORT, PAGE_PORT, CLUSTER_PORT, DATABASE_PORT = 4000, 3000, 8786, 5432
WORKER_PORTS = ec2.Port.tcp_range(40_000, 40_009)
CLUSTER = f"tls://scheduler.orf-books.internal:{CLUSTER_PORT}"
UPLOADS = ("uploads/", "activities/", "raw/")
MOST_RECEIVES = 5
CERTIFICATES = "/home/orf_books/certificates"
POSTGRES = rds.PostgresEngineVersion.of("17.7", "17")
LONGEST_WAIT_SECONDS = 3600
LEAST_FREE_BYTES = 5e9
DAYS_OF_LOGS = logs.RetentionDays.THREE_MONTHS
NAMESPACE = "orf_books"
RUN_FAMILY = "orf-books-run"


@dataclass(frozen=True)
class Size:
    """How environments differ."""

    database_class: str
    multi_az: bool
    backup_days: int
    most_workers: int
    keeps_data: bool
    """Whether the store and the database outlive the stack."""


class PlatformStack(cdk.Stack):
    """One environment.

    Args:
        scope: the app.
        name: of the stack.
        size: how large it is.
        image: of all roles, with a tag that never changes.
        domain: of the page.
        certificate_arn: of the domain.
        alarm_email: who is told of alarms.
        monthly_budget_dollars: beyond which somebody is told.
        contact: what Open Library is told.
        properties: of `cdk.Stack`.
    """

    def __init__(  # noqa: PLR0913 - what an environment is described by
        self,
        scope: Construct,
        name: str,
        *,
        size: Size,
        image: str,
        domain: str,
        certificate_arn: str,
        alarm_email: str,
        monthly_budget_dollars: float,
        contact: str,
        **properties: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(scope, name, **properties)
        self._size, self._contact = size, contact
        self._image = self._image_of(image)
        self._key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self._removal)
        self._key.grant_encrypt_decrypt(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
        self._key.grant_encrypt_decrypt(iam.ServicePrincipal(f"logs.{self.region}.amazonaws.com"))
        self._vpc = self._network()
        self._accesses = self._bucket_of_accesses()
        self._store, self._logs_bucket = self._buckets()
        self._queue, self._dead_letters = self._queues()
        self._database = self._postgres()
        self._secrets = self._all_secrets()
        self._cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=self._vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            default_cloud_map_namespace=ecs.CloudMapNamespaceOptions(name="orf-books.internal"),
        )
        self._run_definition = self._task(
            "Run", "run", ["true"], cpu=2048, memory=8192, family=f"{name}-{RUN_FAMILY}"
        )
        self._services(domain, certificate_arn)
        self._alarms(alarm_email)
        self._budget(monthly_budget_dollars, alarm_email)
        self._backups()

    @property
    def _removal(self) -> cdk.RemovalPolicy:
        return cdk.RemovalPolicy.RETAIN if self._size.keeps_data else cdk.RemovalPolicy.DESTROY

    def _image_of(self, image: str) -> ecs.ContainerImage:
        repository, _, tag = image.rpartition(":")
        registry, _, repository_name = repository.partition("/")
        if ".dkr.ecr." not in registry:
            return ecs.ContainerImage.from_registry(image)
        account, _, _, region, *_ = registry.split(".")
        found = ecr.Repository.from_repository_attributes(
            self,
            "Repository",
            repository_name=repository_name,
            repository_arn=f"arn:{self.partition}:ecr:{region}:{account}:repository/{repository_name}",
        )
        return ecs.ContainerImage.from_ecr_repository(found, tag)

    # Network, stores, secrets

    def _network(self) -> ec2.Vpc:
        vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=2 if self._size.multi_az else 1,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(
                    name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS
                ),
                ec2.SubnetConfiguration(name="data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        # Recordings reach the store without passing the gateways, which cost by the gigabyte.
        vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(self._log_group("FlowLogs")),
        )
        return vpc

    def _log_group(self, name: str, group_name: str | None = None) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            name,
            log_group_name=group_name,
            retention=DAYS_OF_LOGS,
            encryption_key=self._key,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _bucket_of_accesses(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Accesses",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[_expiring(days=90)],
            removal_policy=self._removal,
        )

    def _buckets(self) -> tuple[s3.Bucket, s3.Bucket]:
        common: dict[str, Any] = {
            "encryption": s3.BucketEncryption.KMS,
            "encryption_key": self._key,
            "bucket_key_enabled": True,
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            "enforce_ssl": True,
            "versioned": True,
            "server_access_logs_bucket": self._accesses,
            "removal_policy": self._removal,
        }
        store = s3.Bucket(
            self,
            "Store",
            **common,
            server_access_logs_prefix="store/",
            lifecycle_rules=[
                # Whoever deletes a student also deletes the versions; this is for what is replaced.
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(2),
                    expired_object_delete_marker=True,
                ),
                s3.LifecycleRule(
                    prefix="activities/",
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                            transition_after=cdk.Duration.days(60),
                        )
                    ],
                ),
            ],
        )
        of_runs = s3.Bucket(
            self,
            "Logs",
            **common,
            server_access_logs_prefix="logs/",
            lifecycle_rules=[_expiring(days=90)],
        )
        return store, of_runs

    def _queues(self) -> tuple[sqs.Queue, sqs.Queue]:
        common: dict[str, Any] = {
            "encryption": sqs.QueueEncryption.SQS_MANAGED,
            "enforce_ssl": True,
            "retention_period": cdk.Duration.days(14),
        }
        dead_letters = sqs.Queue(self, "DeadLetters", **common)
        queue = sqs.Queue(
            self,
            "Uploads",
            **common,
            visibility_timeout=cdk.Duration.minutes(5),
            receive_message_wait_time=cdk.Duration.seconds(4),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letters, max_receive_count=MOST_RECEIVES
            ),
        )
        for prefix in UPLOADS:
            self._store.add_event_notification(
                s3.EventType.OBJECT_CREATED,
                notifications.SqsDestination(queue),
                s3.NotificationKeyFilter(prefix=prefix),
            )
        return queue, dead_letters

    def _postgres(self) -> rds.DatabaseInstance:
        identifier = f"{self.stack_name}-database"
        # Made before RDS makes it, which would keep the logs for ever.
        log_group = self._log_group("DatabaseLogs", f"/aws/rds/instance/{identifier}/postgresql")
        database = rds.DatabaseInstance(
            self,
            "Database",
            instance_identifier=identifier,
            engine=rds.DatabaseInstanceEngine.postgres(version=POSTGRES),
            instance_type=ec2.InstanceType(self._size.database_class),
            vpc=self._vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            credentials=rds.Credentials.from_generated_secret(
                "orf_books", encryption_key=self._key
            ),
            database_name="dagster",
            allocated_storage=20,
            max_allocated_storage=200,
            storage_encrypted=True,
            storage_encryption_key=self._key,
            multi_az=self._size.multi_az,
            backup_retention=cdk.Duration.days(self._size.backup_days),
            deletion_protection=self._size.keeps_data,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT
            if self._size.keeps_data
            else cdk.RemovalPolicy.DESTROY,
            auto_minor_version_upgrade=True,
            copy_tags_to_snapshot=True,
            cloudwatch_logs_exports=["postgresql"],
            monitoring_interval=cdk.Duration.seconds(60),
            parameters={"rds.force_ssl": "1", "log_min_duration_statement": "5000"},
            enable_performance_insights=self._size.multi_az,
            performance_insight_encryption_key=self._key if self._size.multi_az else None,
        )
        database.node.add_dependency(log_group)
        if not self._size.multi_az:
            why = {"id": "CKV_AWS_157", "comment": "Only production pays for a second zone."}
            cdk.CfnResource.add_metadata(database.node.default_child, "checkov", {"skip": [why]})
        return database

    def _all_secrets(self) -> dict[str, ecs.Secret]:
        """Variables of containers that are secret. Those of people are filled in by hand, once."""
        database = self._database.secret
        if database is None:
            raise ValueError("The database has no generated password.")
        by_hand = secretsmanager.Secret(
            self,
            "Settings",
            description="URLs with passwords, keys of services, certificates of the cluster.",
            encryption_key=self._key,
            removal_policy=self._removal,
        )
        return {
            "DAGSTER_POSTGRES_PASSWORD": ecs.Secret.from_secrets_manager(database, "password"),
            **{
                variable: ecs.Secret.from_secrets_manager(by_hand, variable)
                for variable in (
                    "ORF_BOOKS_DATABASE_URL",
                    "ORF_BOOKS_LEDGER",
                    "ORF_BOOKS_GOOGLE_BOOKS_KEY",
                    "CLUSTER_CA_PEM",
                    "CLUSTER_CERTIFICATE_PEM",
                    "CLUSTER_KEY_PEM",
                )
            },
        }

    # Containers

    def _task(  # noqa: PLR0913 - what a task is described by
        self,
        role: str,
        container: str,
        command: list[str],
        *,
        cpu: int = 512,
        memory: int = 2048,
        port: int | None = None,
        family: str | None = None,
        needs_all_secrets: bool = True,
    ) -> ecs.FargateTaskDefinition:
        definition = ecs.FargateTaskDefinition(
            self, f"{role}Task", cpu=cpu, memory_limit_mib=memory, family=family
        )
        definition.add_container(
            container,
            image=self._image,
            command=command,
            environment=self._variables(),
            secrets=self._secrets if needs_all_secrets else self._certificates(),
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=role.lower(), log_group=self._log_group(f"{role}Logs")
            ),
            port_mappings=[ecs.PortMapping(container_port=port, name=container)] if port else None,
        )
        return definition

    def _certificates(self) -> dict[str, ecs.Secret]:
        return {name: value for name, value in self._secrets.items() if name.endswith("_PEM")}

    def _variables(self) -> dict[str, str]:
        return {
            "DAGSTER_HOME": "/opt/dagster/aws",
            "DAGSTER_POSTGRES_HOST": self._database.db_instance_endpoint_address,
            "DAGSTER_POSTGRES_DATABASE": "dagster",
            "DAGSTER_POSTGRES_USER": "orf_books",
            "ORF_BOOKS_STORAGE": f"s3://{self._store.bucket_name}",
            "ORF_BOOKS_LOG_BUCKET": self._logs_bucket.bucket_name,
            "ORF_BOOKS_UPLOAD_QUEUE_URL": self._queue.queue_url,
            "ORF_BOOKS_CONTACT": self._contact,
            "ORF_BOOKS_LOG_FORMAT": "json",
            "ORF_BOOKS_RUN_TASK_DEFINITION": f"{self.stack_name}-{RUN_FAMILY}",
            "ORF_BOOKS_CLUSTER": CLUSTER,
            "ORF_BOOKS_CLUSTER_CA": f"{CERTIFICATES}/ca.pem",
            "ORF_BOOKS_CLUSTER_CERTIFICATE": f"{CERTIFICATES}/certificate.pem",
            "ORF_BOOKS_CLUSTER_KEY": f"{CERTIFICATES}/key.pem",
            "AWS_DEFAULT_REGION": self.region,
        }

    def _service(
        self,
        role: str,
        definition: ecs.FargateTaskDefinition,
        *,
        cloud_map_name: str | None = None,
        is_one_at_a_time: bool = False,
    ) -> ecs.FargateService:
        return ecs.FargateService(
            self,
            f"{role}Service",
            cluster=self._cluster,
            task_definition=definition,
            desired_count=1,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            # Two daemons at once would start runs twice, two schedulers would share no workers.
            min_healthy_percent=0 if is_one_at_a_time else 100,
            max_healthy_percent=100 if is_one_at_a_time else 200,
            cloud_map_options=ecs.CloudMapOptions(name=cloud_map_name) if cloud_map_name else None,
        )

    def _services(self, domain: str, certificate_arn: str) -> None:
        workspace = ["--workspace", "/opt/dagster/aws/workspace.yaml"]
        listening = ["--host", "0.0.0.0", "--port"]
        code = self._service(
            "Code",
            self._task(
                "Code",
                "code",
                [
                    "dagster",
                    "api",
                    "grpc",
                    "--module-name",
                    "orf_books.definitions",
                    *listening,
                    str(CODE_PORT),
                ],
                port=CODE_PORT,
            ),
            cloud_map_name="code",
        )
        daemon = self._service(
            "Daemon",
            self._task("Daemon", "daemon", ["dagster-daemon", "run", *workspace], cpu=1024),
            is_one_at_a_time=True,
        )
        page = self._service(
            "Page",
            self._task(
                "Page",
                "page",
                ["dagster-webserver", *workspace, *listening, str(PAGE_PORT)],
                cpu=1024,
                port=PAGE_PORT,
            ),
        )
        scheduler, workers = self._dask()
        # Runs are launched into the daemon's subnets and security group.
        for client in (code, daemon, page):
            self._database.connections.allow_default_port_from(client)
        for client in (daemon, page):
            code.connections.allow_from(client, ec2.Port.tcp(CODE_PORT), "Dagster's gRPC")
        for client in (daemon, workers):
            scheduler.connections.allow_from(client, ec2.Port.tcp(CLUSTER_PORT), "Dask")
        for client in (scheduler, workers):
            workers.connections.allow_from(client, WORKER_PORTS, "Dask")

        self._grant(code, daemon, page)
        self._publish(page, domain, certificate_arn)

    def _dask(self) -> tuple[ecs.FargateService, ecs.FargateService]:
        common = ["--no-dashboard", "--tls-ca-file", f"{CERTIFICATES}/ca.pem"]
        common += ["--tls-cert", f"{CERTIFICATES}/certificate.pem"]
        common += ["--tls-key", f"{CERTIFICATES}/key.pem"]
        one_call = ["--no-nanny", "--nthreads", "1"]
        scheduler = self._service(
            "Scheduler",
            self._task(
                "Scheduler",
                "scheduler",
                ["dask", "scheduler", "--protocol", "tls", "--port", str(CLUSTER_PORT), *common],
                port=CLUSTER_PORT,
                needs_all_secrets=False,
            ),
            cloud_map_name="scheduler",
            is_one_at_a_time=True,
        )
        workers = self._service(
            "Workers",
            self._task(
                "Workers",
                "worker",
                ["dask", "worker", CLUSTER, *one_call, "--worker-port", "40000:40009", *common],
                cpu=1024,
                needs_all_secrets=False,
            ),
        )
        # One more while ten uploads wait, four more while a hundred do, one less while none does.
        scaling = workers.auto_scale_task_count(
            min_capacity=1, max_capacity=self._size.most_workers
        )
        scaling.scale_on_metric(
            "ByUploads",
            metric=self._queue.metric_approximate_number_of_messages_visible(
                period=cdk.Duration.minutes(1)
            ),
            scaling_steps=[
                appscaling.ScalingInterval(upper=0, change=-1),
                appscaling.ScalingInterval(lower=10, change=+1),
                appscaling.ScalingInterval(lower=100, change=+4),
            ],
            cooldown=cdk.Duration.minutes(5),
        )
        return scheduler, workers

    def _grant(
        self, code: ecs.FargateService, daemon: ecs.FargateService, page: ecs.FargateService
    ) -> None:
        """What each role may do; none may what it does not need."""
        run_role = self._run_definition.task_role
        # Sensors run in the code server: they look for uploads, delete messages, count dead
        # letters, and note which uploads they gave up.
        sensors = code.task_definition.task_role
        self._store.grant_read(sensors)
        self._store.grant_put(sensors, "tables/abandoned_uploads/*")
        self._queue.grant_consume_messages(sensors)
        self._dead_letters.grant(sensors, "sqs:GetQueueUrl", "sqs:GetQueueAttributes")
        # Runs write results, and claim uploads.
        self._store.grant_read_write(run_role)
        self._store.grant_delete(run_role)
        self._logs_bucket.grant_read_write(run_role)
        # The daemon launches runs; the page may stop them, and shows their output.
        self._logs_bucket.grant_read(page.task_definition.task_role)
        self._run_definition.grant_run(daemon.task_definition.task_role)
        for watching in (daemon, page):
            role = watching.task_definition.task_role
            tasks = self.format_arn(
                service="ecs", resource="task", resource_name=f"{self._cluster.cluster_name}/*"
            )
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    sid="WatchRuns",
                    actions=["ecs:DescribeTasks", "ecs:StopTask", "ecs:TagResource"],
                    resources=[tasks],
                )
            )
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    sid="DescribeForLaunch",
                    # AWS knows no narrower resource for these.
                    actions=["ecs:DescribeTaskDefinition", "ec2:DescribeNetworkInterfaces"],
                    resources=["*"],
                )
            )

    def _publish(self, page: ecs.FargateService, domain: str, certificate_arn: str) -> None:
        """The page, for people of a user pool with a second factor."""
        users = cognito.UserPool(
            self,
            "Users",
            self_sign_up_enabled=False,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(min_length=14),
            removal_policy=self._removal,
        )
        client = users.add_client(
            "Page",
            generate_secret=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[f"https://{domain}/oauth2/idpresponse"],
            ),
        )
        sign_in = users.add_domain(
            "SignIn",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"{self.stack_name}-sign-in"),
        )
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=self._vpc,
            internet_facing=True,
            drop_invalid_header_fields=True,
            deletion_protection=self._size.keeps_data,
        )
        balancer.log_access_logs(self._accesses, "balancer")
        listener = balancer.add_listener(
            "Https",
            port=443,
            certificates=[
                elb.ListenerCertificate.from_certificate_manager(
                    acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn)
                )
            ],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_action=elb.ListenerAction.fixed_response(404),
        )
        targets = elb.ApplicationTargetGroup(
            self,
            "PageTargets",
            vpc=self._vpc,
            port=PAGE_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[page],
            health_check=elb.HealthCheck(path="/server_info"),
        )
        listener.add_action(
            "Page",
            priority=1,
            conditions=[elb.ListenerCondition.host_headers([domain])],
            action=elb_actions.AuthenticateCognitoAction(
                user_pool=users,
                user_pool_client=client,
                user_pool_domain=sign_in,
                next=elb.ListenerAction.forward([targets]),
            ),
        )
        # The balancer itself exchanges codes with the user pool.
        balancer.connections.allow_to_any_ipv4(ec2.Port.tcp(443), "To the user pool")

    # What is watched, and kept

    def _alarms(self, email: str) -> None:
        topic = sns.Topic(self, "Alarms", master_key=self._key, enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(email))
        action = cloudwatch_actions.SnsAction(topic)
        failed = self._logged(
            "failed-runs", logs.FilterPattern.literal('"RUN_FAILURE"'), statistic="Sum"
        )
        error_rate, quota_used = (
            self._logged(
                field.replace("_", "-"), logs.FilterPattern.exists(f"$.{field}"), f"$.{field}"
            )
            for field in ("error_rate_percent", "quota_used_percent")
        )
        waiting = self._dead_letters.metric_approximate_number_of_messages_visible()
        age = self._queue.metric_approximate_age_of_oldest_message()
        for name, metric, threshold in (
            ("FailedRuns", failed, 0),
            ("DeadLetters", waiting, 0),
            ("OldestUpload", age, LONGEST_WAIT_SECONDS),
            ("ErrorRatePercent", error_rate, 1),
            ("QuotaUsedPercent", quota_used, 90),
        ):
            self._alarm(f"{name}Alarm", metric, threshold, action)
        self._alarm(
            "DatabaseCpuPercentAlarm",
            self._database.metric_cpu_utilization(),
            90,
            action,
            periods=6,
        )
        self._alarm(
            "DatabaseDiskAlarm",
            self._database.metric_free_storage_space(),
            LEAST_FREE_BYTES,
            action,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )

    def _logged(
        self,
        name: str,
        lines: logs.IFilterPattern,
        value: str | None = None,
        *,
        statistic: str = "Maximum",
    ) -> cloudwatch.Metric:
        """What the logs of runs say: how many lines there are of a kind, or a figure in them."""
        return logs.MetricFilter(
            self,
            name.title().replace("-", ""),
            log_group=self.node.find_child("RunLogs"),
            filter_pattern=lines,
            metric_namespace=NAMESPACE,
            metric_name=f"{self.stack_name}-{name}",
            metric_value=value,
            default_value=None if value else 0,
        ).metric(statistic=statistic, period=cdk.Duration.minutes(5))

    def _alarm(  # noqa: PLR0913 - what an alarm is described by
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        action: cloudwatch.IAlarmAction,
        *,
        periods: int = 1,
        comparison: cloudwatch.ComparisonOperator = (
            cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
        ),
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"What to do: docs/runbook.md, {name}",
        )
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)

    def _budget(self, dollars: float, email: str) -> None:
        subscriber = budgets.CfnBudget.SubscriberProperty(address=email, subscription_type="EMAIL")
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
                cost_filters={
                    "TagKeyValue": [f"user:environment${self.stack_name.split('-')[-1]}"]
                },
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=percent,
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )

    def _backups(self) -> None:
        if not self._size.keeps_data:
            return
        plan = backup.BackupPlan.daily35_day_retention(
            self,
            "Backups",
            backup.BackupVault(self, "Vault", encryption_key=self._key),
        )
        plan.add_selection(
            "Data",
            resources=[
                backup.BackupResource.from_rds_database_instance(self._database),
                backup.BackupResource.from_arn(self._store.bucket_arn),
            ],
        )


def _expiring(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        expiration=cdk.Duration.days(days),
        noncurrent_version_expiration=cdk.Duration.days(7),
        abort_incomplete_multipart_upload_after=cdk.Duration.days(2),
    )
