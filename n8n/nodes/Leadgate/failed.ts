import type { INodeExecutionData, NodeApiError } from 'n8n-workflow';

/**
 * The output of an item that failed in a node that goes on: error, what is wrong, and message,
 * what to do. n8n leads items with these two keys, and no others, to the node's error output.
 */
export function failed(item: number, error: Error): INodeExecutionData {
	const { message, description } = error as NodeApiError;
	return {
		json: { error: message, ...(description ? { message: description } : {}) },
		pairedItem: { item },
	};
}
