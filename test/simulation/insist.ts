/** What a process does at its start is done again by whoever starts it, until it works. */
export async function insist<T>(action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (attempt > 20) throw error;
    }
  }
}
