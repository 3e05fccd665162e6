//! API keys: who a request comes from.

use std::str::FromStr;

use async_trait::async_trait;

use super::StoreError;
use crate::ids::{ApiKeyId, TenantId};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyScope {
    /// Work on the key's own tenant.
    User,
    /// Operate the platform: all tenants' jobs, no tenant's data.
    Operator,
    /// Read what operators see, and change nothing: for scalers, collectors and screens.
    Viewer,
}

impl KeyScope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::User, Self::Operator, Self::Viewer];

    /// Whether who has this scope has the other one with it.
    pub const fn covers(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::User, Self::User)
                | (Self::Operator, Self::Operator | Self::Viewer)
                | (Self::Viewer, Self::Viewer)
        )
    }

    /// The word in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }
}

impl FromStr for KeyScope {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(())
    }
}

/// A key that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Its public part.
    pub id: ApiKeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// SHA-256 of its secret part.
    pub secret_sha256: [u8; 32],
    /// What it may do.
    pub scopes: Vec<KeyScope>,
}

/// Looks keys up.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// The key with this public part, unless it was revoked.
    async fn find(&self, id: ApiKeyId) -> Result<Option<ApiKeyRecord>, StoreError>;
}
