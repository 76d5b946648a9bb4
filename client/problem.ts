/** What a server refused; `code` is stable, and one of those that the API's document names. */
export class LiveProblem extends Error {
  override name = "LiveProblem";
  readonly code: string;
  readonly status: number;
  /** As it came: RFC 9457. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(problem: Readonly<Record<string, unknown>>) {
    super(`${problem["title"]}: ${problem["detail"]}`);
    this.code = String(problem["code"]);
    this.status = Number(problem["status"]);
    this.problem = problem;
  }
}
