//! zstd, block by block: one zstd frame for a frame of ours, flushed at the end of each block.

use zstd::stream::raw::{CParameter, DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

use crate::error::{Malformed, WriteError};
use crate::limits::WINDOW_LOG;

/// Room that is asked for at least when output is full.
const STEP_BYTES: usize = 16 << 10;

pub(crate) struct Compressor {
    encoder: Encoder<'static>,
}

impl Compressor {
    pub(crate) fn new(level: i32) -> Result<Self, WriteError> {
        let failed = |_| WriteError::Compressor("expected a context with these parameters");
        let mut encoder = Encoder::new(level).map_err(failed)?;
        encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG)).map_err(failed)?;
        encoder.set_parameter(CParameter::ChecksumFlag(false)).map_err(failed)?;
        Ok(Self { encoder })
    }

    /// The next block begins a frame.
    pub(crate) fn restart(&mut self) -> Result<(), WriteError> {
        self.encoder.reinit().map_err(|_| WriteError::Compressor("expected a context that restarts"))
    }

    /// Appends the block so that it can be read whole.
    pub(crate) fn block(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), WriteError> {
        let failed = |_| WriteError::Compressor("expected a block to be compressed");
        let mut input = InBuffer::around(raw);
        out.reserve(raw.len() / 2 + STEP_BYTES);
        while input.pos() < raw.len() {
            let at = out.len();
            out.reserve(STEP_BYTES);
            let mut output = OutBuffer::around_pos(out, at);
            self.encoder.run(&mut input, &mut output).map_err(failed)?;
        }
        loop {
            let at = out.len();
            out.reserve(STEP_BYTES);
            let mut output = OutBuffer::around_pos(out, at);
            if self.encoder.flush(&mut output).map_err(failed)? == 0 {
                return Ok(());
            }
        }
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

pub(crate) struct Decompressor {
    decoder: Decoder<'static>,
}

impl Decompressor {
    pub(crate) fn new() -> Result<Self, Malformed> {
        let mut decoder = Decoder::new().map_err(|_| Malformed("memory for zstd"))?;
        decoder
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG))
            .map_err(|_| Malformed("zstd's window"))?;
        Ok(Self { decoder })
    }

    /// For the first block of a frame.
    pub(crate) fn restarted(mut self) -> Result<Self, Malformed> {
        self.decoder.reinit().map_err(|_| Malformed("memory for zstd"))?;
        Ok(self)
    }

    /// Replaces `raw` by what the block says; stops with an error when that is more than `max` bytes.
    pub(crate) fn block(&mut self, bytes: &[u8], raw: &mut Vec<u8>, max: usize) -> Result<(), Malformed> {
        const ZSTD: Malformed = Malformed("data that zstd can read");
        raw.clear();
        let mut input = InBuffer::around(bytes);
        loop {
            let at = raw.len();
            if at > max {
                return Err(Malformed("a block within its limit"));
            }
            raw.reserve(STEP_BYTES);
            let room = raw.capacity() - at;
            let mut output = OutBuffer::around_pos(raw, at);
            self.decoder.run(&mut input, &mut output).map_err(|_| ZSTD)?;
            // Room that was left means that zstd had no more to give for this input.
            if raw.len() - at < room && input.pos() == bytes.len() {
                return if raw.len() <= max { Ok(()) } else { Err(Malformed("a block within its limit")) };
            }
        }
    }
}

impl std::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decompressor")
    }
}
