// Three lines to paste into another terminal.

export interface Door {
  readonly address: string;
}

/**
 * A message to an entity through the first node, its state from the second, and who has it from the third.
 * @param hasToken whether the nodes want a token: it is taken from the environment of the terminal, and not printed
 */
export function linesToTry(doors: readonly Door[], id: string, hasToken: boolean): readonly string[] {
  const door = (index: number): string => doors[index % doors.length]?.address ?? "";
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
  const token = hasToken ? ' -H "Authorization: Bearer ${PACHYDERM_HTTP_TOKEN%%,*}"' : "";
  return [
    `curl${token} -X POST ${door(0)}/entities/counter/${id} -H 'content-type: application/json' -d '{"type":"increment"}'`,
    `curl${token} ${door(1)}/entities/counter/${id}`,
    `curl${token} '${door(2)}/cluster?locate=${id}'`, // quoted: a shell would look for files that fit the question mark
  ];
}
