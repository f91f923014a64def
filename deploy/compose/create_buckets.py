"""Creates the buckets of the store, as soon as it answers."""

import os
import time

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError

SECONDS = 60
BUCKETS = (
    os.environ["ORF_BOOKS_STORAGE"].removeprefix("s3://"),
    os.environ["ORF_BOOKS_LOG_BUCKET"],
)


def main() -> None:
    """Create those that are missing."""
    client = boto3.client("s3", endpoint_url=os.environ["ORF_BOOKS_S3_ENDPOINT_URL"])
    until = time.monotonic() + SECONDS
    for bucket in BUCKETS:
        while True:
            try:
                client.create_bucket(Bucket=bucket)
            except client.exceptions.BucketAlreadyOwnedByYou:
                break
            except (EndpointConnectionError, ClientError):
                if time.monotonic() > until:
                    raise
                time.sleep(1)
            else:
                break


if __name__ == "__main__":
    main()
