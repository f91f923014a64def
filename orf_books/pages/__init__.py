"""What people look at: self-contained pages made from page data. No storage, no Dagster."""
