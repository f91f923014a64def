"""What lies in the store and its tables, by domain. No Dagster."""
