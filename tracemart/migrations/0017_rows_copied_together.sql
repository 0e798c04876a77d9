-- With a default that may differ from row to row, COPY writes row by row; with one for the whole statement, page by page.
set local role tracemart_loader;

alter table raw.observations alter column loaded_at set default statement_timestamp();
alter table raw.scores alter column loaded_at set default statement_timestamp();
