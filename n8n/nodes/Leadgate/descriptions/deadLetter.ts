import type { INodeProperties } from 'n8n-workflow';

import { destinationOf, many, reason } from './shared';

const resource = ['deadLetter'];
const changing = ['drop', 'replay'];

export const deadLetter: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource } },
		options: [
			{
				name: 'Drop',
				value: 'drop',
				description: 'Delete dead letters. There is no way back.',
				action: 'Drop dead letters',
			},
			{
				name: 'Get',
				value: 'get',
				description: 'Get one, with its event',
				action: 'Get a dead letter',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				description: 'Get what destinations refused for good, the newest first',
				action: 'Get many dead letters',
			},
			{
				name: 'Replay',
				value: 'replay',
				description: "Put dead letters back at the end of their destination's queue",
				action: 'Replay dead letters',
			},
		],
		default: 'getAll',
	},
	destinationOf({ show: { resource, operation: changing } }),
	destinationOf({ show: { resource, operation: ['getAll'] } }, false),
	{
		displayName: 'Which',
		name: 'which',
		type: 'options',
		displayOptions: { show: { resource, operation: changing } },
		options: [
			{ name: 'All of the Destination', value: 'all' },
			{ name: 'One', value: 'one' },
		],
		default: 'one',
	},
	{
		displayName: 'Dead Letter ID',
		name: 'deadLetterId',
		type: 'string',
		displayOptions: { show: { resource, operation: ['get'] } },
		default: '',
		required: true,
	},
	{
		displayName: 'Dead Letter ID',
		name: 'deadLetterId',
		type: 'string',
		displayOptions: { show: { resource, operation: changing, which: ['one'] } },
		default: '',
		required: true,
	},
	...many({ show: { resource, operation: ['getAll'] } }),
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		displayOptions: { show: { resource, operation: ['getAll'] } },
		default: {},
		options: [reason],
	},
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		displayOptions: { show: { resource, operation: changing, which: ['all'] } },
		default: {},
		options: [
			reason,
			{
				displayName: 'Since',
				name: 'since',
				type: 'dateTime',
				default: '',
				description: 'Only those that died at or after this time',
			},
		],
	},
];
