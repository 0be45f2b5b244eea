import type { INodeProperties } from 'n8n-workflow';

import { many } from './shared';

const show = { resource: ['ad'], operation: ['getAll'] };

export const ad: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['ad'] } },
		options: [
			{
				name: 'Get Many',
				value: 'getAll',
				description: 'Get what ads and links brought: clicks, leads, purchases, and what they cost',
				action: 'Get figures of many ads',
			},
		],
		default: 'getAll',
	},
	...many({ show }),
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		displayOptions: { show },
		default: {},
		options: [
			{
				displayName: 'Ad ID',
				name: 'ad',
				type: 'string',
				default: '',
				description: 'Only the figures of this ad',
			},
			{
				displayName: 'First Day',
				name: 'from',
				type: 'dateTime',
				default: '',
				description: 'UTC. Thirty days up to the last by default.',
			},
			{
				displayName: 'Group By',
				name: 'group',
				type: 'options',
				options: [
					{ name: 'Ad', value: 'ad' },
					{ name: 'Ad and Day', value: '' },
					{ name: 'Ad Set', value: 'adset' },
					{ name: 'Campaign', value: 'campaign' },
					{ name: 'Day', value: 'day' },
					{ name: 'Link', value: 'link' },
				],
				default: 'ad',
				description: 'What there is a row for',
			},
			{
				displayName: 'Last Day',
				name: 'to',
				type: 'dateTime',
				default: '',
				description:
					'UTC. By default the newest that has begun, there or in the time zone of an ad account.',
			},
		],
	},
];
