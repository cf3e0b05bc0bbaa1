// The first questions, asked while the browser still fetches and compiles the code that will draw the answers.

import type { Asked } from "./client";

interface Question {
  answer: Promise<Response>;
  /** The same as data, as soon as it has been read. */
  read?: unknown;
}

/** What was not taken by then is old: whoever asks, asks anew. */
const OLD_AFTER_MS = 5_000;

export interface Early extends Asked {
  /** Settles as soon as the answer to that question has been read, or cannot be, or after `ms_max`. */
  wait(url: string, ms_max: number): Promise<void>;
}

export function askEarly(fetcher: typeof fetch, urls: readonly string[]): Early {
  const questions = new Map<string, Question>();
  const asked_at = performance.now();
  for (const url of urls) {
    const read = async () => {
      const response = await fetcher(url, { credentials: "same-origin", headers: { accept: "application/json" } });
      if (!response.ok) return response;
      const text = await response.text();
      question.read = JSON.parse(text);
      return new Response(text, response);
    };
    const question: Question = { answer: Promise.resolve().then(read) };
    questions.set(url, question);
    // A failure is told by whoever takes the answer, and by nobody if none does.
    question.answer.catch(() => undefined);
  }
  const find = (url: string) => (performance.now() - asked_at < OLD_AFTER_MS ? questions.get(url) : undefined);
  return {
    take(url) {
      const question = find(url);
      questions.delete(url);
      return question?.answer ?? null;
    },
    takeRead(url) {
      const read = find(url)?.read;
      if (read !== undefined) questions.delete(url);
      return read;
    },
    async wait(url, ms_max) {
      const time = new Promise<void>((resolve) => setTimeout(resolve, ms_max));
      await Promise.race([find(url)?.answer.catch(() => undefined), time]);
    },
  };
}
