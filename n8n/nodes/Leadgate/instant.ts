import { DateTime } from 'luxon';

/**
 * A point in time as the edge reads it: UNIX milliseconds, or RFC 3339. n8n's date picker
 * gives a time without its zone, which is then the workflow's. Undefined where nothing is said.
 */
export function instant(value: unknown, zone: string): number | string | undefined {
	if (value === undefined || value === null || value === '') return undefined;
	if (typeof value === 'number') return value;
	const text = textOf(value);
	if (/^\d+$/.test(text)) return Number(text);
	const read = DateTime.fromISO(text, { zone, setZone: true });
	// What is no time the edge refuses, and says what one is.
	return read.isValid ? read.toISO() : text;
}

/** A day, as the edge reads it. */
export function day(value: unknown): string | undefined {
	if (value === undefined || value === null || value === '') return undefined;
	return textOf(value).slice(0, 10);
}

/** Dates of JavaScript and of Luxon, which expressions give, as ISO 8601. */
function textOf(value: unknown): string {
	return typeof value === 'object'
		? String(JSON.parse(JSON.stringify(value)))
		: String(value).trim();
}
