//! The upstream of the benchmark: answers like OpenAI and Anthropic, costs next to nothing.

use std::io;
use std::net::SocketAddr;

use clap::Parser;
use llm_proxy_bench::upstream::server::Server;

/// Serves until it is ended.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9300")]
    listen: SocketAddr,
    /// The key that chat requests must carry as `Authorization: Bearer` or `x-api-key`; any or
    /// none without it.
    #[arg(long)]
    key: Option<String>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    Server::bind(arguments.listen, arguments.key.as_deref())?.run()
}
