/** Whether a version, like 2.15.1, is the needed one, like 2.14, or newer. */
export function atLeast(version, needed) {
  const [has, must] = [version, needed].map((each) => each.split(".").map((part) => Number.parseInt(part, 10)));
  for (const [index, part] of must.entries()) {
    if (has[index] !== part) return has[index] > part;
  }
  return true;
}
