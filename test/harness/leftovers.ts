// What must not outlive this process, however it ends: servers that it started, and their folders.

import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";

interface Leftover {
  readonly child: ChildProcess;
  readonly folder: string | null;
}

const running = new Set<Leftover>();

// A plain end, an error and an interrupt come by here.
process.on("exit", () => {
  for (const { child, folder } of running) {
    child.kill("SIGKILL");
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
});

/**
 * Ends the child and removes its folder, where it has one, when this process ends. After a SIGKILL nothing of ours runs any more, so a
 * shell watches a pipe that only this process holds open: its end is ours.
 *
 * @returns calls the watch off, for a child that has ended
 */
export function endWithUs(child: ChildProcess, folder: string | null = null): () => void {
  const leftover = { child, folder };
  running.add(leftover);
  const script = 'cat > /dev/null; kill -9 "$1"; [ -z "$2" ] || rm -rf "$2"';
  const watch = spawn("sh", ["-c", script, "watch", `${child.pid}`, folder ?? ""], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true, // an interrupt from the keyboard must not end the watch before us
  });
  watch.stdin.on("error", () => {}); // it ended first: then there is nothing to watch
  watch.unref();
  return () => {
    running.delete(leftover);
    // Before the pipe closes: the pid may be another process's by then.
    watch.kill("SIGKILL");
  };
}
