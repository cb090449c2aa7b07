//! Opens what frames come from and what they go to, as the command line says.

use crate::cli::Cli;
use crate::sink::Sink;
use crate::sink::record::Record;
use crate::sink::snapshot::Snapshots;
use crate::sink::stdout::Stdout;
use crate::{Builder, Downstream, DownstreamError};
use segment::seal::Key;
use std::io::IsTerminal;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use terminal::address::interface_missing;
use terminal::{Failure, Interrupt, thread};

/// Outputs and input.
pub(super) type Opened = (Vec<Box<dyn Sink>>, Downstream);

/// Opens outputs and input. `None` where the program is asked to end before that is done: a name may be looked up, and a
/// key lie in a pipe that nobody opens. That is left to itself then, for the end of the program to end.
pub(super) fn open(cli: &Cli, interrupt: &Interrupt) -> Result<Option<Opened>, Failure> {
    let (says, opened) = mpsc::channel();
    let says = Arc::new(says);
    interrupt.send_when_set(&says, None);
    let cli = cli.clone();
    thread::start("open", move || {
        let _ = says.send(Some(open_both(&cli)));
    })?;
    match opened.recv() {
        Ok(both) => both.transpose(),
        Err(mpsc::RecvError) => Err(Failure::new("the thread that opens outputs and input is gone")),
    }
}

/// What may take its time comes first, for nothing to be left behind where it is not waited for; then outputs: whoever
/// cannot record should not take the port.
fn open_both(cli: &Cli) -> Result<Opened, Failure> {
    let builder = builder(cli)?;
    Ok((open_sinks(cli)?, start(builder)?))
}

fn builder(cli: &Cli) -> Result<Builder, Failure> {
    let mut builder = Downstream::builder()
        .receive_buffer(cli.receive_buffer as usize)
        .latency(Duration::from_millis(cli.latency.into()))
        .key(cli.key.read(Key::from_text)?)
        .busy_poll(cli.busy_poll)
        .hold();
    builder = match (cli.tcp_remote(), &cli.multicast) {
        // It may come later, and be known then.
        (Some((host, port)), _) => builder.connect(host, port, cli.tcp_framing.into()),
        (None, Some(group)) => builder.join(group.resolve()?),
        (None, None) => {
            let address = cli.bind.resolve()?;
            if address.ip().is_multicast() {
                let group = address.ip();
                return Err(Failure::usage(format!("{group} is a multicast group: join it by --multicast {address}")));
            }
            builder.bind(address)
        }
    };
    if let Some(interface) = &cli.interface {
        builder = builder.interface(interface);
    }
    if let Some(from) = cli.from {
        builder = builder.only_from(from);
    }
    if let Some(frames) = cli.frames {
        builder = builder.max_frames(frames);
    }
    Ok(builder)
}

fn start(builder: Builder) -> Result<Downstream, Failure> {
    builder.start().map_err(|error| {
        let advice = match &error {
            DownstreamError::Socket(error) => {
                interface_missing(error.address()).or_else(|| error.advice().map(str::to_owned))
            }
            DownstreamError::Join(error) => error.advice().map(str::to_owned),
            _ => None,
        };
        match advice {
            Some(advice) => Failure::new(error).with_advice(advice),
            None => Failure::new(error),
        }
    })
}

fn open_sinks(cli: &Cli) -> Result<Vec<Box<dyn Sink>>, Failure> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if let Some(path) = &cli.record {
        sinks.push(Box::new(Record::create(path, cli.overwrite)?));
        // Only of what is recorded.
        if !path.extension().is_some_and(|extension| ["mkv", "mks", "mk3d", "webm"].iter().any(|it| extension == *it)) {
            tracing::warn!("{} is recorded as Matroska, which is known by the name .mkv", path.display());
        }
    }
    if let Some(folder) = &cli.snapshots {
        sinks.push(Box::new(Snapshots::create(folder, cli.overwrite)?));
    }
    if cli.stdout {
        if std::io::stdout().is_terminal() {
            return Err(Failure::usage(
                "standard output is a terminal, which shows no pictures: pipe it into a program, as \
                 in `receiver --stdout | ffplay -f mjpeg -`",
            ));
        }
        sinks.push(Box::new(Stdout::new()));
    }
    Ok(sinks)
}
