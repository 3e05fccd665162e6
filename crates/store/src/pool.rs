//! A pool of one role's connections: straight to the server, or by way of a pooler in transaction
//! mode.
//!
//! Such a pooler lends a connection of the server for one transaction, and what stands outside of
//! one is a transaction of its own. A statement with parameters is two of them, since the driver
//! asks what it means before it runs it: between the two the pooler may lend another connection,
//! which does not know the statement, or knows another one by its name. So every statement runs in
//! a transaction here, and each transaction forgets what earlier ones, of whomever, have prepared.

use std::ops::{Deref, DerefMut};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{AssertSqlSafe, Describe, Either, Execute, Executor, Postgres, SqlStr, Transaction};

/// Connections of one role.
#[derive(Debug, Clone)]
pub struct Pool {
    inner: PgPool,
    is_pooled: bool,
}

impl Pool {
    pub(crate) const fn new(inner: PgPool, is_pooled: bool) -> Self {
        Self { inner, is_pooled }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        if self.is_pooled {
            self.begin_with("").await
        } else {
            self.inner.begin().await
        }
    }

    /// Begins a transaction and runs a statement in it, in one round trip.
    pub(crate) async fn begin_with(
        &self,
        first: &str,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let forget = if self.is_pooled {
            "deallocate all; "
        } else {
            ""
        };
        let begin = format!("begin; {forget}{first}");
        self.inner.begin_with(AssertSqlSafe(begin)).await
    }

    /// A connection for statements that need no transaction.
    pub(crate) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        Ok(if self.is_pooled {
            Lent::Transaction(self.begin().await?)
        } else {
            Lent::Connection(self.inner.acquire().await?)
        })
    }

    /// A connection to hold, and not for statements with parameters.
    ///
    /// # Errors
    /// [`sqlx::Error`] when there is none.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.inner.acquire().await
    }

    /// As [`Self::acquire`], if one is free.
    pub(crate) fn try_acquire(&self) -> Option<PoolConnection<Postgres>> {
        self.inner.try_acquire()
    }

    /// Connections that are open.
    pub fn size(&self) -> u32 {
        self.inner.size()
    }

    /// Connections that nobody has.
    pub fn num_idle(&self) -> usize {
        self.inner.num_idle()
    }

    /// The most connections that it opens.
    pub fn connections_max(&self) -> u32 {
        self.inner.options().get_max_connections()
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        self.inner.close().await;
    }
}

/// A connection on which statements may run one after the other.
pub(crate) enum Lent {
    Connection(PoolConnection<Postgres>),
    Transaction(Transaction<'static, Postgres>),
}

impl Lent {
    /// Keeps what was written. Without it nothing that went through a pooler is kept.
    pub(crate) async fn keep(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Connection(_) => Ok(()),
            Self::Transaction(tx) => tx.commit().await,
        }
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Connection(connection) => connection,
            Self::Transaction(tx) => tx,
        }
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Connection(connection) => connection,
            Self::Transaction(tx) => tx,
        }
    }
}

/// What a statement gives: counts of rows that it touched, and rows.
type Given = Either<PgQueryResult, PgRow>;

/// One statement; through a pooler, in a transaction of its own that is kept before anything of
/// what it gives is seen.
impl<'p> Executor<'p> for &Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Given, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if !self.is_pooled {
            return (&self.inner).fetch_many(query);
        }
        let pool = self.clone();
        let given = async move {
            let mut tx = pool.begin().await?;
            let all: Vec<Given> = (&mut *tx).fetch_many(query).try_collect().await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(stream::iter(all.into_iter().map(Ok)))
        };
        stream::once(given).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if !self.is_pooled {
            return (&self.inner).fetch_optional(query);
        }
        let pool = self.clone();
        Box::pin(async move {
            let mut tx = pool.begin().await?;
            let row = (&mut *tx).fetch_optional(query).await?;
            tx.commit().await?;
            Ok(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'p: 'e,
    {
        (&self.inner).prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, sqlx::Error>>
    where
        'p: 'e,
    {
        (&self.inner).describe(sql)
    }
}
