import type { INodeProperties } from 'n8n-workflow';

const displayOptions = { show: { resource: ['conversion'], operation: ['report'] } };

const additional: INodeProperties[] = [
	{
		displayName: 'Channel',
		name: 'channel',
		type: 'options',
		options: [
			{ name: 'Instagram', value: 'instagram' },
			{ name: 'Messenger', value: 'messenger' },
			{ name: 'WhatsApp', value: 'whatsapp' },
		],
		default: 'whatsapp',
		description: 'Where the contact is, if its ID has clicks on two channels',
	},
	{
		displayName: 'Contents',
		name: 'contents',
		type: 'json',
		default: '',
		description:
			'What was bought: a list of objects, whose keys the documentation of conversions has',
	},
	{
		displayName: 'Credited Click',
		name: 'touch',
		type: 'options',
		options: [
			{ name: 'First', value: 'first' },
			{ name: 'Last', value: 'last' },
		],
		default: 'last',
		description: "Which of the contact's clicks it is credited to",
	},
	{
		displayName: 'Custom Data',
		name: 'customData',
		type: 'json',
		default: '',
		placeholder: '{"delivery_category": "home_delivery"}',
		description: "More of Meta's custom_data",
	},
	{
		displayName: 'Email',
		name: 'email',
		type: 'string',
		placeholder: 'name@email.com',
		default: '',
		description: 'Sent hashed; the address itself is not stored',
	},
	{
		displayName: 'Event Time',
		name: 'eventTime',
		type: 'dateTime',
		default: '',
		description: 'When it happened, at most 7 days ago. Now by default.',
	},
	{
		displayName: 'External ID',
		name: 'externalId',
		type: 'string',
		default: '',
		description: "The CRM's own ID of the contact, sent hashed",
	},
];

export const conversion: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['conversion'] } },
		options: [
			{
				name: 'Report',
				value: 'report',
				description: 'Tell the ad platforms what became of a contact whom an ad or a link brought',
				action: 'Report a conversion',
			},
		],
		default: 'report',
	},
	{
		displayName: 'Event Name',
		name: 'eventName',
		type: 'string',
		displayOptions,
		default: 'Purchase',
		required: true,
		description:
			"One of Meta's names for chats, a name of a convert line, or a word that a map line translates",
	},
	{
		displayName: 'Identify By',
		name: 'identifyBy',
		type: 'options',
		displayOptions,
		options: [
			{ name: 'Click ID', value: 'ctwaClid' },
			{ name: 'Lead ID', value: 'leadId', description: 'Of a form of a lead ad' },
			{ name: 'Message ID', value: 'messageId', description: 'Known for 8 days' },
			{ name: 'Phone Number', value: 'waPhone' },
			{
				name: 'User ID',
				value: 'userId',
				description: 'Of Messenger, Instagram, or a WhatsApp username',
			},
			{ name: 'WhatsApp ID', value: 'waId' },
		],
		default: 'waPhone',
		description: 'By what the contact is found',
	},
	{
		displayName: 'Identifier',
		name: 'identifier',
		type: 'string',
		displayOptions,
		default: '',
		required: true,
		placeholder: '+15551234567',
		description: 'A phone number with + and country code, or the ID',
	},
	{
		displayName: 'Value',
		name: 'value',
		type: 'string',
		displayOptions,
		default: '',
		placeholder: '129.90',
		description: 'The amount, with a decimal point. A Purchase needs one.',
	},
	{
		displayName: 'Currency',
		name: 'currency',
		type: 'string',
		displayOptions,
		default: '',
		placeholder: 'USD',
		description: 'Three letters of ISO 4217. A Purchase needs one.',
	},
	{
		displayName: 'Order ID',
		name: 'orderId',
		type: 'string',
		displayOptions,
		default: '',
		description:
			"The order's or the deal's ID: the same event name and order are reported once, however often the workflow runs",
	},
	{
		displayName: 'Additional Fields',
		name: 'additionalFields',
		type: 'collection',
		placeholder: 'Add field',
		displayOptions,
		default: {},
		options: additional,
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		displayOptions,
		default: {},
		options: [
			{
				displayName: 'Return Invalid Conversions',
				name: 'returnInvalid',
				type: 'boolean',
				default: false,
				description:
					'Whether what the edge calls invalid is an output, with its error and fix, and no error of the node',
			},
		],
	},
];
