-- The numbers of tickets that are not known of all of a channel, where that matters: of how many they are. The channel with the largest share first.
SELECT
    source, channel, measure, expected - missing - unexplained - unknown AS known, expected, lost_pct + unknown_pct AS share
FROM completeness_summary
WHERE gap IS NOT NULL
ORDER BY max(lost_pct + unknown_pct) OVER (PARTITION BY source, channel) DESC, source, channel, measure
