//! Reading what Go writes: an empty list or map may stand as `null`.

use serde::{Deserialize, Deserializer};

/// Reads `null` as the empty value.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A set of names, which Go writes as an object of empty objects: `{"80/tcp": {}}`.
pub(super) mod set {
    use std::collections::{BTreeMap, BTreeSet};

    use serde::de::IgnoredAny;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::oci) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
        let map: Option<BTreeMap<String, IgnoredAny>> = Option::deserialize(from)?;
        Ok(map.unwrap_or_default().into_keys().collect())
    }

    pub(in crate::oci) fn serialize<S: Serializer>(set: &BTreeSet<String>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(set.iter().map(|name| (name, serde_json::Map::new())))
    }
}
