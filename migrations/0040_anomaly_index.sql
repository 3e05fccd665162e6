-- no-transaction
create index concurrently if not exists series_anomaly_dataset
    on series_anomaly (dataset, at desc, series_id desc);
