//! The models.
//!
//! Source: <https://platform.openai.com/docs/api-reference/models/list>

use super::declare::*;

answer! {
    /// An answer of `models.list`.
    ///
    /// >>> [model.id for model in ModelList.from_dict({"object": "list", "data": [{"id": "gpt-5.4"}]}).data]
    /// ['gpt-5.4']
    ModelList in "llm_proxy.types" {
        /// The models.
        data: "data" => Many(Model::class),
        /// `list`
        object: "object" => Value,
    }
}

record! {
    /// A model that can be asked.
    ///
    /// >>> Model.from_dict({"id": "gpt-5.4", "object": "model", "created": 0, "owned_by": "openai"}).owned_by
    /// 'openai'
    Model in "llm_proxy.types" {
        /// Its name.
        id: "id" => Value,
        /// When it was made, in seconds since 1970.
        created: "created" => Repeated,
        /// `model`
        object: "object" => Repeated,
        /// Whose it is.
        owned_by: "owned_by" => Repeated,
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ModelList>()?;
    module.add_class::<Model>()
}
