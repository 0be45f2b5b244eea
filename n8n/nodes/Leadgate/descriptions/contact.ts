import type { INodeProperties } from 'n8n-workflow';

export const contact: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['contact'] } },
		options: [
			{
				name: 'Erase',
				value: 'erase',
				description:
					'Forget a contact: clicks, what they led to, dead letters. There is no way back.',
				action: 'Erase a contact',
			},
			{
				name: 'Get',
				value: 'get',
				description: "Get a contact's clicks, what was reported of it, and what came of it",
				action: 'Get a contact',
			},
		],
		default: 'get',
	},
	{
		displayName: 'Contact',
		name: 'contact',
		type: 'string',
		displayOptions: { show: { resource: ['contact'] } },
		default: '',
		required: true,
		placeholder: '+15551234567',
		description:
			'The phone number with + and country code, the WhatsApp or user ID, an email address, or a lead ID',
	},
];
