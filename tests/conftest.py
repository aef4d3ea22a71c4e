"""For all tests."""

import gc

# As the command line does: dbt's and Dagster's objects live long, looking for cycles among them is a waste.
gc.set_threshold(200_000, 50, 100)
