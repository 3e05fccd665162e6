//! Commands for API keys.

use clap::{Args, Subcommand};
use packtrain_core::ids::{ApiKeyId, TenantId};
use packtrain_core::ports::KeyScope;

use super::examples;

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) action: KeysAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Make a key and print it; it cannot be shown again
    #[command(after_help = examples::KEYS_NEW)]
    New(NewKey),
    /// List the keys, newest first: whose they are and what they may do, never their secrets
    #[command(after_help = examples::KEYS_LIST)]
    List {
        /// Those of one tenant alone
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Those as well that were revoked
        #[arg(long)]
        all: bool,
    },
    /// Let a key open nothing any more, at once
    #[command(after_help = examples::KEYS_REVOKE)]
    Revoke {
        /// The public part of the key
        id: ApiKeyId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// What the key is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: String,
    /// What the key may do: user, operator, viewer; several with commas
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true,
        value_parser = scope)]
    pub(crate) scopes: Vec<KeyScope>,
    /// Whose key it is; without one it is the platform's own
    #[arg(long)]
    pub(crate) tenant: Option<TenantId>,
    /// Make a tenant of this name first: the key is its own, and its id is told
    #[arg(long, value_name = "NAME", conflicts_with = "tenant")]
    pub(crate) new_tenant: Option<String>,
}

fn scope(text: &str) -> Result<KeyScope, String> {
    text.parse().map_err(|()| {
        let known: Vec<_> = KeyScope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("unknown scope {text:?}; known: {}", known.join(", "))
    })
}
