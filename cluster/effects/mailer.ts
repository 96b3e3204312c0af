// Mail, at least once: to an SMTP server, or to a file. What was committed is mailed even if the node dies; if it dies just
// after it was mailed, it is mailed again, with the same Message-ID, by which the reader's server may know it.

import { appendFile } from "node:fs/promises";
import { defineEffect } from "pachyderm";

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** What `Pachyderm.start({ config })` or a sender gives. */
export interface MailConfig {
  /** Such as `smtp://user:password@mail.example:587`; needs the package nodemailer. */
  readonly smtp?: string;
  readonly from?: string;
  /** Gets a line of JSON for each mail, where there is no `smtp`. */
  readonly mailFile?: string;
}

export const mailer = defineEffect({
  name: "mailer",
  durable: { attempts: 8, backoffMs: 500 },
  async dispatch(mail: Mail, config: MailConfig | undefined, { effectId, signal }) {
    const { smtp, mailFile, from = "pachyderm@localhost" } = config ?? {};
    const messageId = `<${effectId}@pachyderm>`;
    if (smtp !== undefined) await send(smtp, { ...mail, from, messageId }, signal);
    else if (mailFile !== undefined)
      await appendFile(mailFile, `${JSON.stringify({ ...mail, from, messageId })}\n`);
    else throw new Error("there is nowhere to mail to: set MAIL_SMTP or MAIL_FILE");
  },
});

async function send(
  smtp: string,
  mail: Mail & { readonly from: string; readonly messageId: string },
  signal: AbortSignal,
): Promise<void> {
  const { createTransport } = await import("nodemailer").catch(() => {
    throw new Error("mail over SMTP needs a package of its own: npm install nodemailer");
  });
  const transport = createTransport(smtp);
  const stop = (): void => transport.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await transport.sendMail(mail);
  } finally {
    signal.removeEventListener("abort", stop);
    transport.close();
  }
}
