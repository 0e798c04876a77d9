"""Langfuse's blob-storage export as a way into raw: files in a folder or an object store, listed by manifests.

The layout, the columns and their types are those of Langfuse's documentation ("Export to blob storage", "Blob storage
export field reference") and of its server's source, version 4.16.0 (`worker/src/features/blobstorage`,
`getEventsForBlobStorageExport`, `getScoresForBlobStorageExport`, `getObservationsForBlobStorageExport`):

- `{prefix}{project id}/{table}/{time}.{parquet|csv|json|jsonl}[.gz]`, the table one of observations_v2 (rows as in the
  v4 API), scores, and before v4 traces and observations. Text formats may be gzipped.
- `{prefix}{project id}/manifests/{time}.json` is written last and lists the files; what none lists is unfinished.
- A manifest's window has both ends in it, so that rows at a border come twice; the merge takes them once.
- Columns are in snake case and stand in groups that a team may leave out; Parquet has no prices of models.
- Every text column may hold "" for nothing. Times are UTC without saying so. A value of metadata is the text that the
  server stores, most often JSON of what was sent. Latencies are seconds, or milliseconds in integrations created
  before 2026-04-01.
- Files are picked by start time and never written again, so rows that came late and later edits are in none: the API
  has to be read as well for those.
"""
