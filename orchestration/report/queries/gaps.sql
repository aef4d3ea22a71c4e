-- The numbers of tickets that are not known of all, where that matters: of how many they are, and where not.
SELECT
    measure, string_agg(DISTINCT kpis, ', ') AS kpis,
    sum(expected - missing - unexplained - unknown)::BIGINT AS known, sum(expected)::BIGINT AS expected,
    string_agg(DISTINCT channel, ', ' ORDER BY channel) FILTER (gap IS NOT NULL) AS channels
FROM completeness_summary
WHERE has_vendor_numbers
GROUP BY measure
HAVING count(gap) > 0
ORDER BY measure
