/**
 * A statement or substitution template that is not AWS IoT SQL, or asks for what is not built.
 *
 * The message says what was expected and where; lines and columns count from 1.
 */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  /** The error code of AWS IoT's CreateTopicRule. */
  readonly code = 'SqlParseException';

  constructor(
    message: string,
    /** UTF-16 units before the offending text. */
    readonly position: number = 0,
  ) {
    super(message);
  }

  /** @param source the whole text, to tell line and column. */
  static at(source: string, position: number, message: string): SqlError {
    const before = source.slice(0, position);
    const line = before.split('\n').length;
    const column = position - before.lastIndexOf('\n');
    return new SqlError(`${message} at line ${line}, column ${column}`, position);
  }
}
