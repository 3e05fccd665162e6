//! Rows that are older than they are kept: the same statement for each table, so many at most.

/// Removes rows of a table of which a column is longer ago than an age, so many at most, and says
/// how many. A macro, since only what is written out is checked against the schema.
macro_rules! remove_older {
    ($pool:expr, $table:literal by $column:literal, $age:expr, $limit:expr, $what:literal) => {
        sqlx::query!(
            "delete from "
                + $table
                + "
              where ctid = any(array(
                    select ctid
                      from "
                + $table
                + "
                     where "
                + $column
                + " < now_utc() - $1::interval
                     limit $2))",
            $age,
            $limit,
        )
        .execute($pool)
        .await
        .map(|done| done.rows_affected())
        .map_err($crate::error::refused($what))
    };
}

pub(crate) use remove_older;
