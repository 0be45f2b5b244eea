import assert from 'node:assert/strict';

export interface Request {
	method: string;
	url: string;
	qs?: Record<string, unknown>;
	body?: unknown;
	headers: Record<string, string>;
	disableFollowRedirect: boolean;
}

export interface Answer {
	status?: number;
	body?: unknown;
}

type Parameters = Record<string, unknown>;

/** What n8n gives to a node, as far as these nodes ask for it. */
export function context(
	items: Parameters[],
	answer: (request: Request, credential: string) => Answer | Error,
	more: { continueOnFail?: boolean; url?: string; zone?: string } = {},
) {
	const requests: Request[] = [];
	const node = {
		id: '1',
		name: 'Leadgate',
		type: 'leadgate',
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
	};
	return {
		requests,
		getInputData: () => items.map((json) => ({ json })),
		getNodeParameter(name: string, item: number, otherwise?: unknown) {
			let value: unknown = items[item];
			for (const key of name.split('.')) value = (value as Parameters | undefined)?.[key];
			if (value === undefined && arguments.length < 3) assert.fail(`no parameter ${name}`);
			return value ?? otherwise;
		},
		getNode: () => node,
		getTimezone: () => more.zone ?? 'America/Sao_Paulo',
		continueOnFail: () => more.continueOnFail ?? false,
		getCredentials: async () => ({
			url: more.url ?? 'https://bots.example.com/api/',
			token: 'hidden',
		}),
		helpers: {
			async httpRequestWithAuthentication(credential: string, options: Request) {
				requests.push(options);
				const said = answer(options, credential);
				if (said instanceof Error) throw said;
				return { statusCode: said.status ?? 200, body: said.body, headers: {} };
			},
		},
	};
}
