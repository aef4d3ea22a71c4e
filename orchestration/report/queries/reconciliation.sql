-- How many of the helpdesk's own numbers agree with ours, and why the others do not.
SELECT
    source, measure, clock, sum(compared)::BIGINT AS compared, sum(rounding)::BIGINT AS equal,
    sum(schedule_convention + earlier_schedule)::BIGINT AS by_schedule, sum(vendor_clock_rule)::BIGINT AS by_rule,
    sum(later_events + missing_history)::BIGINT AS by_history, sum(unexplained)::BIGINT AS unexplained
FROM reconciliation_summary
GROUP BY source, measure, clock
HAVING sum(compared) > 0
ORDER BY source, measure, clock
