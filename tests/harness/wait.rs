//! Waiting on conditions, and locks that bring two transactions into a chosen order.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

/// The longest that a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Waits until a condition holds; fails the test when it does not come true in time.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    until_within(PATIENCE, what, holds).await;
}

/// Waits so long until a condition holds, where others on the same server may hold it up.
pub async fn until_within(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let watching = async {
        while !holds().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(patience, watching)
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// Waits for something that must not wait for anybody; fails the test when it does.
pub async fn promptly<T>(doing: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, doing)
        .await
        .expect("this ends without waiting for anybody")
}

/// An open transaction that holds locks until it is told to let go.
///
/// To bring two transactions into an order: hold the row that both need, start the first, wait
/// with [`Database::blocked`](crate::Database::blocked) until it waits, start the second, wait
/// until both do, and let go. PostgreSQL serves waiters of one row in the order they came.
pub struct Hold {
    connection: PgConnection,
}

impl Hold {
    pub(crate) async fn begin(mut connection: PgConnection, sql: &str) -> Self {
        for sql in ["begin", sql] {
            sqlx::query(AssertSqlSafe(sql.to_owned()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        Self { connection }
    }

    /// Keeps what was written and lets go.
    pub async fn commit(self) {
        self.end("commit").await;
    }

    /// Undoes what was written and lets go.
    pub async fn rollback(self) {
        self.end("rollback").await;
    }

    async fn end(mut self, sql: &'static str) {
        sqlx::query(sql)
            .execute(&mut self.connection)
            .await
            .expect("a held transaction can end");
        self.connection
            .close()
            .await
            .expect("a connection can be closed");
    }
}
