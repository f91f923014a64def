-- Beside the database `dagster`, which the image of Postgres creates itself.
CREATE DATABASE ledger;
CREATE DATABASE published;
