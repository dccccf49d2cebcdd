//! Free ports for programs that cannot ask the system for one themselves.

use std::net::{Ipv4Addr, TcpListener};

use super::DevnetError;

/// Different ports of 127.0.0.1 that were free a moment ago. Somebody else may take one before it is used, so a start
/// that fails by that is to be tried again with others.
pub(super) fn free_ports(count: usize) -> Result<Vec<u16>, DevnetError> {
    let held: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .map_err(no_port)?;
    held.iter()
        .map(|listener| {
            listener
                .local_addr()
                .map(|address| address.port())
                .map_err(no_port)
        })
        .collect()
}

fn no_port(source: std::io::Error) -> DevnetError {
    DevnetError::NoFreePort { source }
}
