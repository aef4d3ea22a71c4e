-- What each KPI means.
SELECT kpi, mart, unit, definition, variant, definition_version AS edition
FROM kpi_definitions
ORDER BY kpi
