// Whether this Node can run the package: an older one would fail by the first name that it does not know.

const [MAJOR, MINOR] = [22, 12]; // as package.json's `engines`; a test holds the two together

/** What is wrong with a Node of this version, in a sentence; undefined: nothing. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > MAJOR || (major === MAJOR && minor >= MINOR)) return undefined;
  return `pachyderm needs Node.js ${MAJOR}.${MINOR} or later, and this is ${version}: install a newer one, or put it first on the PATH`;
}
