/** Invokes functions on behalf of another service, if the function's resource policy allows it. */
export interface FunctionInvoker {
  /**
   * @param functionArn ARN or name of the function.
   * @param caller the service principal and the ARN of the resource it acts for.
   * @returns the function's result as JSON bytes; `functionError` says that it failed and how.
   * @throws ResourceNotFoundException, AccessDeniedException of the Lambda API.
   */
  invoke(
    functionArn: string,
    payload: Uint8Array,
    caller: { service: string; sourceArn: string },
  ): Promise<{ payload: Uint8Array; functionError?: 'Handled' | 'Unhandled' }>;

  /**
   * Invokes a function asynchronously, as the invocation type `Event` does: what becomes of it, its retries and dead
   * letters are the function's matter. The event is kept when this resolves.
   *
   * @throws as {@link invoke}; RequestTooLargeException.
   */
  invokeLater(
    functionArn: string,
    payload: Uint8Array,
    caller: { service: string; sourceArn: string },
  ): Promise<void>;
}
