"""What the files of the project say must be in a database, read without dbt."""
