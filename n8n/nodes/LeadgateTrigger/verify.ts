import { createHmac, timingSafeEqual } from 'crypto';

/** The form in which base64 keys are written: whole groups of four, padded. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Headers as Node gives them: names in lower case. */
export type Headers = Record<string, string | string[] | undefined>;

/**
 * The bytes of a secret: base64 after whsec_, else its own characters, as the edge reads it.
 * Throws on an empty secret, and on a whsec_ without base64 behind it.
 */
export function keyOf(secret: string): Buffer {
	let key = Buffer.from(secret, 'utf8');
	if (secret.startsWith('whsec_')) {
		const text = secret.slice('whsec_'.length);
		if (!base64.test(text)) {
			throw new Error('the secret starts with whsec_, but what follows is not base64');
		}
		key = Buffer.from(text, 'base64');
	}
	if (key.length === 0) throw new Error('the secret is empty');
	return key;
}

/**
 * What is wrong with a signature of Standard Webhooks over the bytes that came, or null if one
 * of the keys made it. now is in milliseconds, tolerance in seconds.
 */
export function verify(
	keys: Buffer[],
	headers: Headers,
	body: Buffer,
	now: number,
	tolerance = 300,
): string | null {
	const header = (name: string) => {
		const value = headers[name];
		return typeof value === 'string' ? value : '';
	};
	const id = header('webhook-id');
	const timestamp = header('webhook-timestamp');
	const signatures = header('webhook-signature');
	if (!id || !timestamp || !signatures) return 'it is not signed: give the forward a sign option';
	if (!/^\d{1,12}$/.test(timestamp)) return 'webhook-timestamp is not a number of seconds';
	if (Math.abs(now / 1000 - Number(timestamp)) > tolerance) {
		return 'the signature is too old or too new: compare the clocks of both machines';
	}
	for (const key of keys) {
		const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
		for (const signature of signatures.split(' ')) {
			if (!signature.startsWith('v1,') || !base64.test(signature.slice(3))) continue;
			const got = Buffer.from(signature.slice(3), 'base64');
			if (got.length === wanted.length && timingSafeEqual(got, wanted)) return null;
		}
	}
	return "the signature is another secret's: compare the forward's sign option and this credential";
}
