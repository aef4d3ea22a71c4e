"""The warehouse and what builds it: the dbt project as run, the control tables, lineage. Knows no Dagster."""
