import Record

/// What the writer is given to do.
enum WriterWork: Sendable {
  case messages(Batch)
  /// Runs on the writer's thread, in its turn behind the messages before it.
  case perform(@Sendable (Writer) -> Void)
}
