-- no-transaction
-- A build that broke off leaves an index that nothing reads, and the one above would pass it by.
reindex index concurrently series_anomaly_dataset;
