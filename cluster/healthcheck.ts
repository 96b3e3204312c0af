// For the image's HEALTHCHECK: whether the node of this container answers. There is no curl in it.

const { PACHYDERM_HTTP_HOST: host = "", PACHYDERM_HTTP_PORT: port = "" } = process.env;
const own = host === "" || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;

try {
  const { ok, status } = await fetch(`http://${own}:${port || 8080}/healthz`, {
    signal: AbortSignal.timeout(2_000),
  });
  if (!ok) throw new Error(`/healthz answered ${status}`);
} catch (thrown) {
  console.error(thrown);
  process.exitCode = 1;
}
