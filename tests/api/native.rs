//! Native mode: the configuration file's own endpoints, without a LiteLLM.
