"""The v3 side of the stand-in: traces, and observations merged by id, as `dual` and `legacy` servers keep them."""
