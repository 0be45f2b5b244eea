import type { INodeProperties } from 'n8n-workflow';

export const properties: INodeProperties[] = [
	{
		displayName:
			'Publish the workflow, then write the production URL and the secret into the Caddyfile:<br><code>forward &lt;URL&gt; {<br>sign &lt;secret&gt;<br>}</code>',
		name: 'notice',
		type: 'notice',
		default: '',
	},
	{
		displayName: 'Path',
		name: 'path',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'leadgate',
		description: 'The end of the webhook URL, which no other workflow has',
	},
	{
		displayName: 'Respond',
		name: 'respond',
		type: 'options',
		options: [
			{
				name: 'Immediately',
				value: 'onReceived',
				description: 'As soon as the event is here. A crash of n8n after that loses the run.',
			},
			{
				name: 'When Last Node Finishes',
				value: 'lastNode',
				description:
					'Leadgate sends the event again until the workflow has succeeded. It must end within the timeout of the forward, 10 seconds by default.',
			},
		],
		default: 'onReceived',
		description: 'When Leadgate is told that the event has arrived',
	},
	{
		displayName: 'Kinds',
		name: 'kinds',
		type: 'multiOptions',
		options: [
			{ name: 'Account Notice', value: 'account' },
			{ name: 'Automatic Event', value: 'automatic_event' },
			{ name: 'Conversion', value: 'conversion' },
			{ name: 'Echo', value: 'echo' },
			{ name: 'Lead', value: 'lead' },
			{ name: 'Message', value: 'message' },
			{ name: 'Status', value: 'status' },
		],
		default: [],
		description:
			'The kinds of events that run the workflow; none chosen means all that the forward sends. Its option only spares the request, too.',
	},
	{
		displayName: 'Only Ad Clicks',
		name: 'onlyAdClicks',
		type: 'boolean',
		default: false,
		description: 'Whether only messages that an ad brought run the workflow',
	},
	{
		displayName: 'Simplify',
		name: 'simplify',
		type: 'boolean',
		default: false,
		description: 'Whether to return a simplified version of the response instead of the raw data',
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [
			{
				displayName: 'Check the Edge When Publishing',
				name: 'checkEdge',
				type: 'boolean',
				default: false,
				description:
					'Whether publishing fails, with the lines to paste into the Caddyfile, while no destination of the edge leads here. Wants the credential Leadgate API.',
			},
			{
				displayName: 'Tolerance',
				name: 'tolerance',
				type: 'number',
				typeOptions: { minValue: 1, maxValue: 86400 },
				default: 300,
				description: 'How old a signature may be, in seconds',
			},
		],
	},
];
