-- What each KPI means, and what is shown elsewhere.
SELECT kpi, mart, unit, definition, variant, elsewhere, definition_version AS edition
FROM kpi_definitions
ORDER BY kpi
