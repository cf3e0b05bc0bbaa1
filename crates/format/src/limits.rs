//! Every limit of the format, each with its derivation. Readers refuse what is beyond them as damage, so they
//! are part of the format: raising one needs a new version of it.

/// Bytes of a block, before compression, at which the writer closes it by itself. zstd works on 128 KiB at a
/// time; half of that keeps what a fast program has in memory small and costs 1 % of size.
pub const BLOCK_RAW_BYTES_TARGET: usize = 64 << 10;
/// Most bytes of a block before compression: the target, one largest record and everything defined by it
/// (a callsite, a thread, [`SPAN_DEPTH_MAX`] spans with their callsites), rounded up.
pub const BLOCK_RAW_BYTES_MAX: usize = 4 << 20;
/// Most bytes of a chunk's payload: a largest block that zstd could not shrink (it adds 1/256 and a few
/// bytes), and a frame's head.
pub const CHUNK_BYTES_MAX: usize = BLOCK_RAW_BYTES_MAX + (BLOCK_RAW_BYTES_MAX >> 7);
/// Records of a block: bounds what one fsync, one live packet and one decoding step hold.
pub const BLOCK_RECORDS_MAX: usize = 16 << 10;
/// Bytes of a frame, before compression, after which the writer begins a new one. A frame is what damage can
/// cost and what a reader from the middle has to skip: some 60 KB of file. Four times as many save 2 %.
pub const FRAME_RAW_BYTES_TARGET: usize = 256 << 10;
/// The largest target that a writer may be given: a reader's memory goes by it.
pub const FRAME_RAW_BYTES_TARGET_MAX: usize = 1 << 20;
/// Most bytes of a frame before compression: the largest target and one largest block.
pub const FRAME_RAW_BYTES_MAX: usize = FRAME_RAW_BYTES_TARGET_MAX + BLOCK_RAW_BYTES_MAX;
/// Most bytes of one record before compression. The agent cuts details that are longer, and counts it.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Most bytes of one definition (a callsite, a thread, a span).
pub const DEFINITION_BYTES_MAX: usize = 32 << 10;
/// Most bytes of a file header: a resource with some hundred properties.
pub const HEADER_BYTES_MAX: usize = 256 << 10;
/// Arguments of a record. `tracing` allows 32 fields.
pub const ARGS_MAX: usize = 32;
/// Attributes of a record beside its arguments.
pub const ATTRIBUTES_MAX: usize = 1024;
/// Keys of callsites and threads, given by the caller, index tables: 64 Ki entries of a word each.
pub const KEYS_MAX: u32 = 64 << 10;
/// Rings of a spool whose positions the file follows.
pub const RINGS_MAX: u32 = 1024;
/// Open spans that the writer remembers so that a new frame can define them again.
pub const SPANS_OPEN_MAX: usize = 16 << 10;
/// Spans around a record, inside one another.
pub const SPAN_DEPTH_MAX: usize = 32;
/// Causes of an exception, inside one another, and lists and maps of a value: recursion of the decoder.
pub const DEPTH_MAX: usize = 32;
/// Shapes and columns of a frame; with more the writer begins a new frame. A column costs 128 bytes and more.
pub const COLUMNS_MAX: usize = 4096;
/// Bytes of a text that a column remembers, and how many it remembers. A longer text or one that came long ago
/// is written again, which zstd notices.
pub const TEXT_REMEMBERED_BYTES_MAX: usize = 64;
/// See [`TEXT_REMEMBERED_BYTES_MAX`].
pub const TEXTS_REMEMBERED_MAX: usize = 64;
/// Nanoseconds of record time after which a flush ends the frame as well: what damage can cost a quiet program.
pub const FRAME_AGE_NANOS_MAX: i64 = 60_000_000_000;
/// log2 of zstd's window: 256 KiB, so that a reader needs little more than a block.
pub const WINDOW_LOG: u32 = 18;
/// Frames of an index: a fragment of 4 MB has some 20, one of a quiet day 1,440.
pub const INDEX_FRAMES_MAX: usize = 16 << 10;
