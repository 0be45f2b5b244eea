import type { IDataObject } from 'n8n-workflow';

import type { Headers } from './verify';

/** What the trigger lets through. */
export interface Filter {
	/** The kinds of events; empty takes all. */
	kinds: string[];
	/** Only messages that an ad brought. */
	onlyAdClicks: boolean;
}

/** Reports whether an event is one that the workflow wants. */
export function wants(filter: Filter, event: IDataObject): boolean {
	if (filter.kinds.length > 0 && !filter.kinds.includes(String(event.kind))) return false;
	const referral = (event.referral ?? {}) as IDataObject;
	return !filter.onlyAdClicks || Boolean(referral.ctwaClid ?? referral.adId);
}

/** What Leadgate's own headers say of a delivery. */
export function delivery(headers: Headers): IDataObject {
	const one = (name: string) => {
		const value = headers[name];
		return typeof value === 'string' ? value : null;
	};
	return {
		eventId: one('leadgate-event-id'),
		tenant: one('leadgate-tenant'),
		kind: one('leadgate-kind'),
		attempt: Number(one('leadgate-attempt') ?? 1),
	};
}

/** A form's answers by their questions; several of one question are joined. Null where there are none. */
function byQuestion(answers: unknown): IDataObject | null {
	if (!Array.isArray(answers)) return null;
	return Object.fromEntries(
		(answers as Array<{ name: string; values: string[] }>).map((a) => [
			a.name,
			a.values.join(', '),
		]),
	);
}

/** The fields of an event that most workflows need, flat. What is unknown is null. */
export function simplify(event: IDataObject): IDataObject {
	const part = (name: string) => (event[name] ?? {}) as IDataObject;
	const message = part('message');
	const referral = part('referral');
	const lead = part('lead');
	return {
		id: event.id,
		tenant: event.tenantId,
		kind: event.kind,
		channel: event.channel,
		contact: event.userId ?? event.waId ?? null,
		phone: event.waPhone ?? null,
		name: event.profileName ?? event.username ?? null,
		text: message.text ?? message.caption ?? null,
		messageId: message.id ?? null,
		messageType: message.type ?? null,
		mediaId: message.mediaId ?? null,
		buttonId: ((message.interactive ?? {}) as IDataObject).id ?? null,
		ctwaClid: referral.ctwaClid ?? null,
		adId: referral.adId ?? lead.adId ?? null,
		headline: referral.headline ?? null,
		campaign: part('utm').campaign ?? lead.campaignName ?? null,
		leadId: lead.leadgenId ?? null,
		answers: byQuestion(lead.answers),
		status: part('status').state ?? null,
		receivedAt: event.receivedAt ?? null,
		replyUntil: event.replyUntil ?? null,
	};
}
