//! API keys: who asks, and what they may do. The tenant comes from the key alone.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use packtrain_core::ids::{ApiKeyId, TenantId};
use packtrain_core::ports::{Actor, ApiKeyRecord, KeyScope};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Shared;
use crate::problem::{KEY_UNKNOWN, NOT_SIGNED_IN, Problem, SCOPE_MISSING};

/// What every key begins with.
const KEY_PREFIX: &str = "pt";
/// Hexadecimal digits of a key's secret part.
const SECRET_DIGITS: usize = 64;

/// Paths below which every request needs a key, and of which scope.
const DOORS: &[(&str, KeyScope)] = &[
    ("/v2/premium", KeyScope::User),
    ("/v2/admin", KeyScope::Viewer),
];

/// A request with a key of the user scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    /// Whose data it works on.
    pub(crate) tenant: TenantId,
    /// Whether it may read what operators see as well.
    pub(crate) views_platform: bool,
}

impl FromRequestParts<Shared> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let key = sign_in(&parts.headers, shared, KeyScope::User).await?;
        let mut scopes = key.scopes.iter();
        Ok(Self {
            tenant: key.tenant,
            views_platform: scopes.any(|has| has.covers(KeyScope::Viewer)),
        })
    }
}

/// A request with a key of the operator scope.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    /// Who it is, for the audit.
    pub(crate) actor: Actor,
}

impl FromRequestParts<Shared> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let key = sign_in(&parts.headers, shared, KeyScope::Operator).await?;
        Ok(Self {
            actor: Actor(key.id.to_string()),
        })
    }
}

/// A request with a key of the viewer scope, which the operator scope includes: it reads what
/// operators see, and changes nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer;

impl FromRequestParts<Shared> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        sign_in(&parts.headers, shared, KeyScope::Viewer).await?;
        Ok(Self)
    }
}

/// A request below a door that asks for a key, with such a key; or one to anywhere else. What there
/// is behind a door, and what it takes, is told to nobody who may not go in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Insider;

impl FromRequestParts<Shared> for Insider {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let path = parts.uri.path();
        let is_below = |door: &str| {
            let rest = path.strip_prefix(door);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some((_, scope)) = DOORS.iter().find(|(door, _)| is_below(door)) {
            sign_in(&parts.headers, shared, *scope).await?;
        }
        Ok(Self)
    }
}

async fn sign_in(
    headers: &HeaderMap,
    shared: &Shared,
    scope: KeyScope,
) -> Result<ApiKeyRecord, Problem> {
    let presented = Presented::read(headers)?;
    let known = shared.api.keys.find(presented.id).await?;
    // An unknown key is compared as well, so that the time of the answer does not tell them apart.
    let expected = known.as_ref().map_or([0; 32], |key| key.secret_sha256);
    let is_right = bool::from(presented.secret_sha256.ct_eq(&expected));
    let key = known
        .filter(|_| is_right)
        .ok_or(Problem::of(&KEY_UNKNOWN))?;
    if !key.scopes.iter().any(|has| has.covers(scope)) {
        let said = format!("This needs a key with the scope `{}`.", scope.as_str());
        return Err(Problem::said(&SCOPE_MISSING, said));
    }
    Ok(key)
}

/// A key as the request presents it; the secret itself is not kept.
struct Presented {
    id: ApiKeyId,
    secret_sha256: [u8; 32],
}

impl Presented {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = given.next() else {
            return Err(Problem::of(&NOT_SIGNED_IN));
        };
        let text = value.to_str().unwrap_or_default();
        let Some((scheme, key)) = text.split_once(' ') else {
            return Err(Problem::of(&NOT_SIGNED_IN));
        };
        if !scheme.eq_ignore_ascii_case("bearer") || given.next().is_some() {
            return Err(Problem::of(&NOT_SIGNED_IN));
        }
        Self::parse(key.trim_start()).ok_or(Problem::of(&KEY_UNKNOWN))
    }

    fn parse(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, '_');
        if parts.next()? != KEY_PREFIX {
            return None;
        }
        let id = format!("{}_{}", ApiKeyId::PREFIX, parts.next()?);
        let secret = parts.next()?;
        let is_secret = secret.len() == SECRET_DIGITS && secret.bytes().all(is_lower_hex);
        is_secret.then_some(Self {
            id: id.parse().ok()?,
            secret_sha256: Sha256::digest(secret.as_bytes()).into(),
        })
    }
}

const fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_into_its_id_and_the_hash_of_its_secret() {
        let (id, secret) = ("0".repeat(31) + "7", "ab".repeat(32));
        let key = Presented::parse(&format!("pt_{id}_{secret}")).unwrap();
        assert_eq!(key.id.to_string(), format!("key_{id}"));
        let expected: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        assert_eq!(key.secret_sha256, expected);
    }

    #[test]
    fn what_is_not_a_key_is_not_looked_up() {
        let (id, secret) = ("0".repeat(32), "ab".repeat(32));
        for wrong in [
            String::new(),
            format!("pk_{id}_{secret}"),
            format!("pt_{id}"),
            format!("pt_{}_{secret}", &id[1..]),
            format!("pt_{id}_{}", &secret[1..]),
            format!("pt_{id}_{}", secret.to_uppercase()),
            format!("pt_{id}_{secret}_"),
        ] {
            assert!(Presented::parse(&wrong).is_none(), "{wrong}");
        }
    }
}
